"""The public page that tells what crosses and how, with a preview of whatever is typed into it."""
