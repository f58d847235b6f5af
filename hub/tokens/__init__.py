"""Bearer tokens (JWT, RFC 7519): issued by the hub or signed by the session itself, verified in one place."""
