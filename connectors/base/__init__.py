"""The two seams: what a mail source and a CRM target promise, and the values that cross them."""
