"""Tables and jobs that accounts share: with an account, a group, or whoever has a link."""
