#!/usr/bin/env bash
# An hour on a throw-away AWS account: tries what no emulator knows, and writes a transcript. See
# docs/operating/trial.md.
#
#   AWS_REGION=eu-west-1 infra/trial.sh 2>&1 | tee trial.log
#   infra/trial.sh --clean      removes what an interrupted trial has left
set -uo pipefail
cd "$(dirname "$0")/.." || exit

stack=${KITH_TRIAL_STACK:-kith-trial}
: "${AWS_REGION:?set AWS_REGION}"
export AWS_REGION AWS_DEFAULT_REGION=$AWS_REGION AWS_PAGER="" SAM_CLI_TELEMETRY=0
origin=https://app.example.com
restored=$stack-restored
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

pass() { echo "PASS  $*"; }
note() { echo "NOTE  $*"; }
fail() { echo "FAIL  $*"; failures=$((failures + 1)); }
# expect WHAT WANTED GOT WHAT-TO-DO
expect() { if [[ $3 == "$2" ]]; then pass "$1: $3"; else fail "$1: expected $2, found $3. $4"; fi; }

# works WHAT COMMAND…: whether the command succeeds.
works() {
  local what=$1
  shift
  if "$@" >"$scratch/said" 2>&1; then
    pass "$what: $(head -c 200 "$scratch/said")"
  else
    fail "$what: $(head -c 1000 "$scratch/said")"
  fi
}

field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
output() {
  aws cloudformation describe-stacks --stack-name "$stack" --output text \
    --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue"
}
physical() {
  aws cloudformation describe-stack-resource --stack-name "$stack" --logical-resource-id "$1" \
    --output text --query StackResourceDetail.PhysicalResourceId
}
kith() { cargo run -q -- --json --table "$table" "$@"; }

# request METHOD PATH [CURL ARGUMENTS…]: prints the status; the answer is in $scratch/body and
# $scratch/headers.
request() {
  local method=$1 path=$2
  shift 2
  curl -sS -X "$method" "$url$path" -H "Authorization: Bearer ${token:-none}" \
    -o "$scratch/body" -D "$scratch/headers" -w '%{http_code}' "$@"
}

# The bucket that the audit is exported to.
audit_bucket() { echo "$stack-audit-$(aws sts get-caller-identity --output text --query Account)"; }

deploy() {
  sam deploy --stack-name "$stack" --resolve-s3 --capabilities CAPABILITY_IAM \
    --no-confirm-changeset --no-fail-on-empty-changeset --no-progressbar \
    --parameter-overrides Architecture=arm64 DeletionProtection=false LogRetentionDays=1 \
    "AllowedOrigins=$origin" "$@"
}

drop_table() {
  aws dynamodb update-table --table-name "$1" --no-deletion-protection-enabled >/dev/null 2>&1
  aws dynamodb wait table-exists --table-name "$1" 2>/dev/null
  aws dynamodb delete-table --table-name "$1" >/dev/null 2>&1 && note "deleted the table $1"
}

clean() {
  local own key
  own=$(physical Table 2>/dev/null)
  aws events remove-targets --rule "$stack" --ids queue >/dev/null 2>&1
  aws events delete-rule --name "$stack" >/dev/null 2>&1
  queue=$(aws sqs get-queue-url --queue-name "$stack" --output text 2>/dev/null) &&
    aws sqs delete-queue --queue-url "$queue"
  aws cloudformation delete-stack --stack-name "$stack"
  aws cloudformation wait stack-delete-complete --stack-name "$stack"
  if key=$(aws kms describe-key --key-id "alias/$stack" --output text \
    --query KeyMetadata.KeyId 2>/dev/null); then
    aws kms delete-alias --alias-name "alias/$stack"
    aws kms schedule-key-deletion --key-id "$key" --pending-window-in-days 7 >/dev/null
    note "the key $key is deleted in 7 days"
  fi
  aws s3 rb --force "s3://$(audit_bucket)" 2>/dev/null
  # The tables that the stack has let go of bear its name.
  for name in $own $(aws dynamodb list-tables --output text --query 'TableNames[]'); do
    [[ $name != "$stack"-* ]] || drop_table "$name"
  done
}

[[ ${1:-} != --clean ]] || { clean; exit; }

echo "# Trial of $(git rev-parse --short HEAD) in $AWS_REGION on $(date -u +%F)"
for program in sam aws cargo curl python3; do
  command -v "$program" >/dev/null || { fail "$program is missing"; exit 1; }
done
note "$(sam --version); $(cargo lambda --version)"
newer() { [[ $(printf '%s\n' "$1" "$2" | sort -V | head -1) == "$1" ]]; }
newer 1.170 "$(sam --version | grep -o '[0-9.]*$')" || fail "SAM CLI 1.170 or newer is needed"
newer 1.9 "$(cargo lambda --version | grep -o '[0-9.]* ' | head -1)" ||
  fail "cargo-lambda 1.9 or newer is needed"
if aws cloudformation describe-stacks --stack-name "$stack" >/dev/null 2>&1; then
  fail "there is a stack $stack already; remove it with --clean"
  exit 1
fi
concurrency=$(aws lambda get-account-settings --output text \
  --query AccountLimit.ConcurrentExecutions)
if ((concurrency >= 1000)); then pass "concurrent executions: $concurrency"; else
  note "concurrent executions: $concurrency. Ask for 1000 in Service Quotas before you go live"
fi

echo "# Build and deploy"
sam build --parameter-overrides Architecture=arm64 || { fail "sam build"; exit 1; }
for binary in .aws-sam/build/*/bootstrap; do
  note "$binary: $(stat -c %s "$binary" 2>/dev/null || stat -f %z "$binary") bytes, $(file -b "$binary" |
    cut -c1-60)"
done
if deploy; then pass "the stack is created (the OpenAPI import passes)"; else
  fail "the stack is not created. Report the events above"
  # shellcheck disable=SC2016
  aws cloudformation describe-stack-events --stack-name "$stack" --output text \
    --query 'StackEvents[?contains(ResourceStatus,`FAILED`)].[LogicalResourceId,ResourceStatusReason]'
  clean
  exit 1
fi
url=$(output ApiUrl) table=$(output TableName) api=$(physical Api)
routes=$(aws apigatewayv2 get-routes --api-id "$api" --output text --query 'length(Items[])')
expect "routes" "$(grep -c 'Type: HttpApi' template.yaml)" "$routes" "A route was not imported."

echo "# Rights of transactions (ADR 0042)"
kith tenant create acme >/dev/null
admin=$(kith client create --tenant acme --name admin --scope administrator)
tour=$(kith client create --tenant acme --name tour \
  --scope "users:read users:write config:read" --grant refresh_token)
token=$(curl -sS "$url/idhub/oidc/v1/token" -d grant_type=client_credentials \
  -u "$(field client_id <<<"$admin"):$(field client_secret <<<"$admin")" | field access_token)
if [[ -n $token ]]; then pass "the first token: three keys in one transaction"; else
  fail "no token. Read the log of TokenFunction: AccessDenied means that ADR 0042 is wrong"
fi
json=(-H "Content-Type: application/json")
status=$(request POST /identity/users "${json[@]}" -H "Idempotency-Key: 1" \
  -d '{"username":"jan","preferred_email":"jan@example.org"}')
expect "a create with an Idempotency-Key" 201 "$status" "$(cat "$scratch/body")"
jan=$(field id <"$scratch/body")
expect "a list by the index" 200 "$(request GET '/identity/users?limit=1')" "$(cat "$scratch/body")"

for walk in "" --lifecycle; do
  # The tour signs in people too, as an identity provider of its own.
  if cargo run -q -- tour $walk --url "$url" \
    --client-id "$(field client_id <<<"$tour")" --client-secret "$(field client_secret <<<"$tour")" \
    --admin-client-id "$(field client_id <<<"$admin")" \
    --admin-client-secret "$(field client_secret <<<"$admin")" >"$scratch/tour"; then
    pass "the tour${walk:+ with $walk}"
  else
    fail "the tour${walk:+ with $walk}: $(tail -5 "$scratch/tour")"
  fi
done

echo "# What the gateway does to requests"
client=$(field client_id <<<"$(kith client create --tenant acme --name other --scope users:read)")
status=$(request POST "/config/clients/$client/secrets" --http1.1 -H "Content-Length: 0")
expect "an empty body with Content-Length: 0" 201 "$status" "415: the gateway adds a media type."
token=none request GET /identity/users >/dev/null
note "header of the challenge: $(grep -io '^[a-z-]*www-authenticate' "$scratch/headers" || echo none)"
for header in "X-Forwarded-Proto: a b" "X-Forwarded-Proto: http, https" "Host: x:99999"; do
  note "$header: $(request GET /idhub/oidc/v1/jwks -H "$header")"
done
expect "the function after forged headers" 200 "$(request GET /idhub/oidc/v1/jwks)" "See its log."
long=$(printf 'x%.0s' {1..11000})
note "headers of 11 KB: $(request GET /idhub/oidc/v1/jwks -H "X-Long: $long")"
status=$(request OPTIONS /identity/me -H "Origin: $origin" -H "Access-Control-Request-Method: GET" \
  -H "Access-Control-Request-Headers: authorization")
origins=$(grep -ic '^access-control-allow-origin' "$scratch/headers")
expect "preflight: status and origins" "204 1" "$status $origins" "Browsers need both."
request GET '/identity/users?limit=1' -H "Origin: $origin" >/dev/null
origins=$(grep -ic '^access-control-allow-origin' "$scratch/headers")
expect "an answer with an origin" 1 "$origins" "More than one is refused by browsers."
request GET /idhub/oidc/v1/jwks -H "Origin: https://elsewhere.example" >/dev/null
note "the public keys for pages of other origins: $(grep -i '^access-control-allow-origin' \
  "$scratch/headers" | tr -d '\r' || echo "not readable")"
status=$(request POST /api/v1/tenants/acme/systems/none/users:bulk-search "${json[@]}" -d '{}')
note "a path with a colon: $status (not 404 of the gateway: $(cut -c1-60 "$scratch/body"))"

echo "# Change events"
queue=$(aws sqs create-queue --queue-name "$stack" --output text --query QueueUrl)
arn=$(aws sqs get-queue-attributes --queue-url "$queue" --attribute-names QueueArn --output text \
  --query Attributes.QueueArn)
rule=$(aws events put-rule --name "$stack" --event-pattern '{"source":["kith"]}' --output text)
policy=$(python3 - "$arn" "$rule" <<'PYTHON'
import json, sys
queue, rule = sys.argv[1:]
statement = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
             "Action": "sqs:SendMessage", "Resource": queue,
             "Condition": {"ArnEquals": {"aws:SourceArn": rule}}}
print(json.dumps({"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}))
PYTHON
)
aws sqs set-queue-attributes --queue-url "$queue" --attributes "$policy"
aws events put-targets --rule "$stack" --targets "Id=queue,Arn=$arn" >/dev/null
sleep 30
request POST /identity/users "${json[@]}" -d '{"username":"els"}' >/dev/null
told=""
for _ in {1..12}; do
  told=$(aws sqs receive-message --queue-url "$queue" --wait-time-seconds 10 --output text \
    --query 'Messages[0].Body')
  [[ $told == *user.created* ]] && break
done
if [[ $told == *user.created* ]]; then pass "an event of a new user"; else
  fail "no event within two minutes. Read the log of StreamFunction"
fi

echo "# A large import"
python3 - >"$scratch/people.csv" <<'PYTHON'
print("username,given_name,family_name")
for n in range(5000):
    print(f"row.{n},{'x' * 250},{'y' * 240}{n}")
PYTHON
note "$(wc -c <"$scratch/people.csv") bytes"
started=$(date +%s)
status=$(request POST '/identity/imports?mode=create' -H "Content-Type: text/csv" \
  --data-binary "@$scratch/people.csv")
seconds=$(($(date +%s) - started))
expect "an import of 5000 rows, after $seconds s" 201 "$status" "$(cut -c1-200 "$scratch/body")"
job=$(field id <"$scratch/body")
for _ in {1..30}; do
  request GET "/identity/imports/$job" >/dev/null
  [[ $(field state <"$scratch/body") != COMPLETED ]] || break
  sleep 20
done
expect "the sweeper finishes it, after $(($(date +%s) - started)) s" COMPLETED \
  "$(field state <"$scratch/body")" "$(cat "$scratch/body")"

echo "# An erasure of much data"
# Children of 190 KB: what a person of 25 systems may own. They are put by hand, since only sign-ins
# make them.
large=$(python3 -c 'print("x" * 190000)')
for n in {1..25}; do
  printf '{"pk":{"S":"T#acme#U#%s"},"sk":{"S":"S#%s"},"forward":{"S":"T#acme#S#%s"},' \
    "$jan" "large$n" "large$n" >"$scratch/item.json"
  printf '"holder":{"S":"%s"},"doc":{"S":"%s"}}' "$jan" "$large" >>"$scratch/item.json"
  aws dynamodb put-item --table-name "$table" --item "file://$scratch/item.json"
done
status=$(request DELETE "/identity/users/$jan")
expect "an erasure of 4.7 MB" 204 "$status" "Chunks have to be closed by bytes too."
works "the table agrees" kith check --tenant acme

echo "# The sandbox on Lambda's kernel"
status=$(request POST /identity/config/workflows "${json[@]}" \
  -d '{"name":"trial","script":"function main(item) { item.output = tb.simpleResponse({}); }"}')
workflow=$(field id <"$scratch/body")
status=$(request POST "/identity/config/workflows/$workflow/test" "${json[@]}" \
  -d '{"input":{"given_name":"Jan"}}')
expect "a workflow runs" 200 "$status" "$(cat "$scratch/body")"

echo "# Logs and alarms"
group=/aws/vendedlogs/apigateway/$stack
sleep 60
line=$(aws logs filter-log-events --log-group-name "$group" --limit 1 --output text \
  --query 'events[0].message')
note "access log: $line"
works "the access log is JSON" python3 -c 'import json, sys; json.loads(sys.argv[1])' "$line"
# matches PATTERN LINE: 1 if a metric filter with the pattern takes the line.
matches() {
  aws logs test-metric-filter --filter-pattern "$1" --log-event-messages "$2" --output text \
    --query 'length(matches)'
}
pattern='{ ($.milliseconds > 0) && ($.route != "ANY /identity/imports") }'
expect "the filter of slow requests" 1 "$(matches "$pattern" "$line")" \
  "Milliseconds are no number in the log."
# last GROUP FILTER: the last line of a function's log that has it.
last() {
  aws logs filter-log-events --log-group-name "/aws/lambda/$stack-$1" --filter-pattern "$2" \
    --output text --query 'events[-1].message'
}
line=$(last users '{ $.cold_start IS TRUE }')
if [[ $line == *'"cold_start":true'* ]]; then pass "the filter of cold starts"; else
  fail "the filter of cold starts: the pattern finds no line. ColdStarts has no data"
fi
for pattern in '{ $.milliseconds = * }' '{ $.status < 500 }' '{ $.read_units >= 0 }'; do
  expect "the filter $pattern" 1 "$(matches "$pattern" "$line")" "A metric has no data."
done
line=$(last sweeper '{ $.imports_waiting = * }')
note "what waits: $line"
expect "the filter of imports" 1 "$(matches '{ $.oldest_import_seconds = * }' "$line")" ""
query='filter ispresent(milliseconds)
  | fields floor(status / 500) as failed, strcontains(@message, "\"cold_start\":true") as cold
  | stats count(*) as requests, sum(failed) as errors, pct(milliseconds, 99) as p99, sum(cold) as cold_starts
    by operation'
id=$(aws logs start-query --log-group-name "/aws/lambda/$stack-users" --query-string "$query" \
  --start-time "$(($(date +%s) - 7200))" --end-time "$(date +%s)" --output text --query queryId)
sleep 20
rows=$(aws logs get-query-results --query-id "$id" --output text --query 'length(results)')
if ((rows > 3)); then pass "the table of operations: $rows rows"; else
  fail "the table of operations: $rows rows. Its query on the dashboard is wrong"
fi
unfiltered=$(aws logs filter-log-events --log-group-name "/aws/lambda/$stack-definitions" \
  --filter-pattern '"does not filter system calls"' --output text --query 'length(events)')
expect "workers without a filter of system calls" 0 "$unfiltered" "Lambda's kernel refuses seccomp."
cat >"$scratch/queries.json" <<'QUERIES'
[{"Id": "filled", "Expression": "IF(written >= 0 AND FILL(absent, 0) < 1, 1, 0)"},
 {"Id": "written", "ReturnData": false, "MetricStat": {"Period": 900, "Stat": "Sum", "Metric": {
   "Namespace": "AWS/DynamoDB", "MetricName": "ConsumedWriteCapacityUnits",
   "Dimensions": [{"Name": "TableName", "Value": "TABLE"}]}}},
 {"Id": "absent", "ReturnData": false, "MetricStat": {"Period": 900, "Stat": "Sum", "Metric": {
   "Namespace": "AWS/Lambda", "MetricName": "PolledEventCount",
   "Dimensions": [{"Name": "EventSourceMappingUUID", "Value": "none"}]}}}]
QUERIES
sed -i.bak "s/TABLE/$table/" "$scratch/queries.json"
filled=$(aws cloudwatch get-metric-data --metric-data-queries "file://$scratch/queries.json" \
  --start-time "$(($(date +%s) - 3600))" --end-time "$(date +%s)" --output text \
  --query 'MetricDataResults[0].Values[0]')
expect "FILL of a metric without data" 1.0 "$filled" "StreamSilentAlarm cannot ring."
# The stack has no topic, so the doctor says so; a new account allows few calls at once.
kith doctor --stack "$stack" --url "$url" --client-id "$(field client_id <<<"$tour")" \
  --client-secret "$(field client_secret <<<"$tour")" --concurrency 1 | sed 's/^/NOTE  doctor: /'
aws cloudwatch describe-alarms --alarm-name-prefix "$stack-" --output text \
  --query 'MetricAlarms[].[StateValue,AlarmName,StateReason]' | cut -c1-160 | sed 's/^/NOTE  /'

echo "# A restore (docs/operating/restore.md)"
# Point-in-time recovery restores what is five minutes old.
sleep 300
aws dynamodb restore-table-to-point-in-time --source-table-name "$table" \
  --target-table-name "$restored" --use-latest-restorable-time >/dev/null
until aws dynamodb wait table-exists --table-name "$restored"; do sleep 5; done
aws dynamodb update-time-to-live --table-name "$restored" \
  --time-to-live-specification Enabled=true,AttributeName=expires_at >/dev/null
aws dynamodb update-continuous-backups --table-name "$restored" \
  --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true >/dev/null
read -r arn stream < <(aws dynamodb update-table --table-name "$restored" \
  --stream-specification StreamEnabled=true,StreamViewType=KEYS_ONLY --output text \
  --query '[TableDescription.TableArn, TableDescription.LatestStreamArn]')
until [[ $(aws dynamodb describe-table --table-name "$restored" --output text \
  --query Table.TableStatus) == ACTIVE ]]; do sleep 5; done
replaced=$table table=$restored
works "erasures are repeated" kith forget --tenant acme --replay-from "$replaced"
works "the restored table agrees" kith check --tenant acme
# With sealed keys, metrics of each operation, and an export of the audit.
bucket=$(audit_bucket)
where=(--create-bucket-configuration "LocationConstraint=$AWS_REGION")
[[ $AWS_REGION != us-east-1 ]] || where=()
aws s3api create-bucket --bucket "$bucket" "${where[@]}" >/dev/null
key=$(aws kms create-key --description "$stack" --output text --query KeyMetadata.Arn)
aws kms create-alias --alias-name "alias/$stack" --target-key-id "$key"
if deploy "ExistingTableArn=$arn" "ExistingTableStreamArn=$stream" "SealingKeyArn=$key" \
  OperationMetrics=true AuditEvents=true "AuditBucket=$bucket"; then
  expect "the stack uses it" "$restored" "$(output TableName)" ""
  expect "a list from it" 200 "$(request GET '/identity/users?limit=1')" "$(cat "$scratch/body")"
  works "the replaced table stays" aws dynamodb describe-table --table-name "$replaced" \
    --output text --query Table.TableStatus
  token=$(curl -sS "$url/idhub/oidc/v1/token" -d grant_type=client_credentials \
    -u "$(field client_id <<<"$admin"):$(field client_secret <<<"$admin")" | field access_token)
  expect "a list with a token of a sealed key" 200 "$(request GET '/identity/users?limit=1')" \
    "Read the log of TokenFunction."
  unsealed=$(aws dynamodb query --table-name "$table" --key-condition-expression "pk = :pk" \
    --expression-attribute-values '{":pk":{"S":"K#private"}}' --filter-expression \
    "attribute_exists(secret)" --output text --query Count)
  expect "private keys that are not sealed" 0 "$unsealed" "KMS refused; see the log of TokenFunction."
  # The hour before this one is exported once it has ended for five minutes.
  for _ in {1..10}; do
    sleep 60
    aws s3 sync --quiet "s3://$bucket" "$scratch/export"
    [[ ! -d $scratch/export/acme/digests ]] || break
  done
  works "the exported audit verifies" kith audit verify --tenant acme --digests "$scratch/export"
else
  fail "the stack does not take the restored table"
fi

echo "# Clean up"
clean
echo "# $failures failures"
exit $((failures > 0))
