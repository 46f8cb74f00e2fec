"""The four fake platforms behind one address, and the page that shows them side by side."""
