"""Tables that lie on several servers, divided by the sky."""
