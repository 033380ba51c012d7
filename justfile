# What people do daily. The checks are the steps of .ci/run, so that both always mean the same.

set positional-arguments

[private]
default:
    @"{{ just_executable() }}" --list

# Start the service on loopback, with its table in .kith.
run *arguments:
    cargo run -q -- serve "$@"

# Walk the flows against a freshly started service, or a running one with --url.
tour *arguments:
    cargo run -q -- tour "$@"

# Run all tests, or those that the arguments name.
test *arguments:
    cargo nextest run --workspace "$@"

# Run the tests that take milliseconds: without faults at each call, random input and processes.
test-quick *arguments:
    cargo nextest run --workspace --profile quick "$@"

# Try the service with the OAuth clients of Python and Node that its callers use.
clients:
    .ci/run clients

# Look at the pages of the service with Chromium.
browser:
    .ci/run browser

# Sign people in with Chromium.
login-browser *suites:
    cargo build -q -p kith
    python3 tests/login-browser/run.py "$@"

# Keep every page of the sign-in in target/screens: four languages, two widths, light and dark.
screens:
    .ci/run screens

# Check the pages of the documentation, and run their shell blocks against `kith serve`.
pages:
    .ci/run pages

# Recompute the tables of the documentation, after a change of units, constants or prices.
estimates:
    python3 -B estimates/costs.py --write
    python3 -B estimates/limits.py --write

# Check format, lints, licences and the template.
lint:
    .ci/run format clippy licences template

# Check width and length of files, the rules that tests name, documentation and dependencies.
lint-more:
    .ci/run text docs unused

# Deploy the template on this machine and walk the tour through it.
deploy-test:
    .ci/run deployment

# Run the store suite on the second DynamoDB engine.
store-test:
    .ci/run second_engine

# Regenerate openapi.json, its copy in OpenAPI 3.0 and the collections of requests from the code.
openapi:
    cargo run -q -p kith -- openapi > target/openapi.json
    cargo run -q -p kith -- openapi --version 3.0 > target/openapi-3.0.json
    cargo run -q -p kith -- openapi --collection postman > target/postman.json
    rm -rf target/bruno
    cargo run -q -p kith -- openapi --collection bruno --output target/bruno
    mv target/openapi.json target/openapi-3.0.json .
    mv target/postman.json collections/postman.json
    rm -rf collections/bruno
    mv target/bruno collections/bruno

# Measure release builds: all, or `cold` (sizes and starts of functions), or `load` (`kith serve`).
bench *arguments:
    cargo build --release -p token -p users -p personas -p definitions -p subjects -p login -p site \
      -p sweeper -p stream -p mailer
    cargo build --release -p benches
    cargo build --profile server -p kith
    cargo run --release -q -p benches -- "$@"

# Import 200000 people (or N), end both programs on the way, and find everybody again.
people *arguments:
    cargo build --profile server -p kith
    python3 tests/people/run.py "$@"

# Make a release: zips of the functions, template, checksums and list of crates, in target/package.
package *arguments:
    python3 infra/package.py "$@"

# Everything that has to pass.
ci:
    .ci/run
