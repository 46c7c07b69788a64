// Files for the tests, copied by tests/parts/recipes/gateway-api-crds; the product depends on nothing here. Another
// version: `go get sigs.k8s.io/gateway-api@VERSION`, never `go mod tidy`, which would drop it.
module pushgateway.invalid/tests/gateway-api

go 1.26.0

require sigs.k8s.io/gateway-api v1.6.3 // indirect
