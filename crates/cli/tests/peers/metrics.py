"""
Reads OpenMetrics text on standard input with the parser that Prometheus itself keeps for Python,
which checks the format strictly. Prints a JSON line `{"name": …, "type": …, "unit": …, "samples": …}`
for each family.
"""
import json
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

for family in text_string_to_metric_families(sys.stdin.read()):
    print(json.dumps({
        "name": family.name,
        "type": family.type,
        "unit": family.unit,
        "samples": len(family.samples),
    }))
