# shellcheck shell=bash disable=SC2154 # `root` is the sourcing script's
# What every play inside the namespaces has: its parts, and what happens when it is told to end. Sourced by inside.sh and
# ../article-sdk/inside.sh.

# shellcheck source=../common.sh
source "$root/tools/common.sh"
# shellcheck source=../demo/show.sh
source "$root/tools/demo/show.sh"
# shellcheck source=../demo/bed.sh
source "$root/tools/demo/bed.sh"
# shellcheck source=../demo/steps.sh
source "$root/tools/demo/steps.sh"
# shellcheck source=../demo/summary.sh
source "$root/tools/demo/summary.sh"
trap report_unforeseen_end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
