"""rnnconv: which scalings of "On the Convergence Rate of Training Recurrent Neural Networks" hold in practice?"""

__version__ = "0.1.0"
