package comments_only

# Nothing here yet.
