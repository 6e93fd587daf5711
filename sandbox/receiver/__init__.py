"""Another controller that takes packages: over tus 1.0.0, and in an S3 bucket of its own."""
