"""Tables whose rows lie on several servers, divided by the sky: README.md has the words and the strategies."""
