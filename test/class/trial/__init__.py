"""A class on trial: the real hub and proxy, students who log in, open notebooks and run them."""
