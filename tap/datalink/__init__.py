"""Where rows lead (DataLink 1.1): tables of links, service descriptors in results, and products as files.

identifiers     IDs of a request, as values of the column that identifies rows
linked_table    the table that a request is about
links           the links of each ID, read in chunks
document        their VOTable
result_links    what results of queries say of where their rows lead
products        rows of products, one file for each ID or one for all
archive         many files as one, streamed
resources       the endpoints
"""
