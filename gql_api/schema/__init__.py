"""What is shown: Strawberry types, thin resolvers, and the running of operations over them."""
