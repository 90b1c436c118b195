#!/usr/bin/env bash
# Tests the Terraform modules: form, validity and the modules' own tests, which need
# no account, then the way of a user on a LocalStack. What is not at hand is said,
# and is a failure with TERRAFORM_REQUIRE=1. A provider mirror is named by
# TF_CLI_CONFIG_FILE, as Terraform reads it.
set -euo pipefail
cd "$(dirname "$0")"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export TF_IN_AUTOMATION=1 TF_INPUT=0

absent() {
	printf 'terraform: ABSENT, %s\n' "$1"
	[ "${TERRAFORM_REQUIRE:-}" != 1 ]
	exit
}

# Every variable and output stands in the table of its module's README.
for module in modules/*/; do
	while read -r name; do
		grep -qF "| \`$name\` |" "$module/README.md" || { printf '%sREADME.md has no row for %s\n' "$module" "$name"; exit 1; }
	done < <(sed -n 's/^\(variable\|output\) "\(.*\)" {$/\2/p' "$module"/*.tf)
done

command -v terraform >/dev/null || absent "no terraform on the PATH"
terraform fmt -check -diff -recursive .
for dir in modules/*/ examples/*/; do
	printf '== %s\n' "$dir"
	if ! terraform -chdir="$dir" init -backend=false -no-color >"$log" 2>&1; then
		cat "$log"
		absent "no provider: terraform init failed in $dir, see above"
	fi
	terraform -chdir="$dir" validate -no-color
	if [ -d "$dir/tests" ]; then
		terraform -chdir="$dir" test -no-color
	fi
done

cd ../localstack
if ! why=$("${GO:-go}" run ./cmd/localstack -check 2>&1); then
	printf '%s\n' "$why"
	absent "modules are tested, but not applied: no LocalStack"
fi
printf '== apply to a LocalStack\n'
LOCALSTACK_REQUIRE=1 "${GO:-go}" test -count=1 -timeout 40m -v ./terraformtest -apply
