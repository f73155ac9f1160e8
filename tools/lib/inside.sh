# shellcheck shell=bash
# What every play inside the namespaces has, and what happens when it is told to end. Sourced by inside.sh of each.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/bed.sh
source "$root/tools/lib/bed.sh"
# shellcheck source=../lib/article.sh
source "$root/tools/lib/article.sh"
at_any_end report_unforeseen_end
