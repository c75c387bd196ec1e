"""How it travels: ASGI applications and what they have in common. No SQL here, and status codes nowhere else."""
