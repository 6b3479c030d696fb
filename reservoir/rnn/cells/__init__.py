"""The cells of trained networks: leaky RNN, LSTM, GRU."""

from reservoir.rnn.cells.cell import Cell
from reservoir.rnn.cells.gru import GRU
from reservoir.rnn.cells.lstm import LSTM
from reservoir.rnn.cells.rnn import RNN

__all__ = ["GRU", "LSTM", "RNN", "Cell"]
