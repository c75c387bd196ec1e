"""How the stored is reached: engines, statements, rows."""
