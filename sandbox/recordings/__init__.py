"""Call recordings: Amazon Connect's layout on a real S3 server."""
