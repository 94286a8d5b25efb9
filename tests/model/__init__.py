"""The model of the guarantee: random histories of a stack, a tap and a target, and what must hold after each."""
