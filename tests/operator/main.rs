//! The operator against a real Kubernetes API server.
