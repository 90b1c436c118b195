#!/usr/bin/env bash
# Tests the Terraform modules: form, validity and the modules' own tests, which need
# no account, then the way of a user on a LocalStack. What is not at hand is said,
# and is a failure with TERRAFORM_REQUIRE=1. A provider mirror is named by
# TF_CLI_CONFIG_FILE, as Terraform reads it.
#
# Where Google's or Azure's provider is not at hand, a stand-in that knows the form of
# the resources is used in its place.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/log
export TF_IN_AUTOMATION=1 TF_INPUT=0

complete=1
absent() {
	printf 'terraform: ABSENT, %s\n' "$1"
	complete=0
}
end() {
	[ "$complete" = 1 ] || [ "${TERRAFORM_REQUIRE:-}" != 1 ]
	exit
}

# Every variable and output stands in the table of its module's README.
for module in modules/*/; do
	while read -r name; do
		grep -qF "| \`$name\` |" "$module/README.md" || { printf '%sREADME.md has no row for %s\n' "$module" "$name"; exit 1; }
	done < <(sed -n 's/^\(variable\|output\) "\(.*\)" {$/\2/p' "$module"/*.tf)
done

command -v terraform >/dev/null || { absent "no terraform on the PATH"; end; }
terraform fmt -check -diff -recursive .

check() {
	terraform -chdir="$1" validate -no-color
	if [ -d "$1/tests" ]; then
		terraform -chdir="$1" test -no-color
	fi
}

# check_form is check with the stand-in for a provider. Nothing is installed, so that no
# lock file stays which a real provider would not fit.
check_form() {
	if [ ! -e "$work/$2.tfrc" ]; then
		(cd .. && "${GO:-go}" build -o "$work/terraform-provider-$2" ./terraform/standin)
		printf 'provider_installation {\n  dev_overrides {\n    "hashicorp/%s" = "%s"\n  }\n  direct {}\n}\n' "$2" "$work" >"$work/$2.tfrc"
	fi
	(
		export TF_CLI_CONFIG_FILE=$work/$2.tfrc TF_DISABLE_PLUGIN_TLS=1
		terraform -chdir="$1" get -no-color >"$log" || { cat "$log"; exit 1; }
		check "$1"
	)
}

declare -A at_hand=([aws]=1 [azurerm]=1 [google]=1)
for dir in modules/*/ examples/*/; do
	printf '== %s\n' "$dir"
	if terraform -chdir="$dir" init -backend=false -no-color >"$log" 2>&1; then
		check "$dir"
	else
		provider=$(sed -n 's/^ *source *= "hashicorp\/\(.*\)"$/\1/p' "$dir"/*.tf)
		case $provider in
		azurerm | google)
			printf 'no provider %s: with a stand-in, which knows the form of its resources and makes none\n' "$provider"
			at_hand[$provider]=0
			check_form "$dir" "$provider"
			;;
		aws)
			cat "$log"
			printf 'no provider aws: terraform init failed in %s, see above\n' "$dir"
			at_hand[aws]=0
			;;
		*)
			cat "$log"
			printf 'terraform init failed in %s, see above; it has one provider of aws, azurerm and google, not "%s"\n' "$dir" "$provider"
			exit 1
			;;
		esac
	fi
done
for provider in azurerm google; do
	[ "${at_hand[$provider]}" = 1 ] || absent "no provider $provider: its modules and examples are tested with the form of its resources only, and applied nowhere"
done
[ "${at_hand[aws]}" = 1 ] || { absent "no provider aws: its modules and examples are not tested"; end; }

cd ../localstack
if ! why=$("${GO:-go}" run ./cmd/localstack -check 2>&1); then
	printf '%s\n' "$why"
	absent "the AWS modules are tested, but not applied: no LocalStack"
	end
fi
printf '== apply module sqs-queue to a LocalStack\n'
LOCALSTACK_REQUIRE=1 "${GO:-go}" test -count=1 -timeout 40m -v ./terraformtest -apply
end
