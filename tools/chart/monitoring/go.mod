// Only for the definitions of PodMonitor and PrometheusRule, which lie in this module.
module monitoring-definitions

go 1.26.0

require github.com/prometheus-operator/prometheus-operator v0.85.0
