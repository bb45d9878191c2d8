"""Pages for people: one module a kind of page, `templates/` what they look like, `static/` what runs in them."""
