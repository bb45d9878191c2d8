"""Distributed plans, run: sessions on shards, rows gathered from them, uploads sent to them."""
