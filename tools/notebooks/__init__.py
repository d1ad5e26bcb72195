"""From the book's chapters to notebooks that run on Colab: `python -m tools.notebooks`."""
