"""What builds and checks the book: set-up, notebooks, pages."""
