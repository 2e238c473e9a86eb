"""The variables of a dashboard, each a list at its top."""

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models.dashboard import VariableOption, VariableRefresh, VariableSort

from .queries import RECENT, in_cluster, source


def datasource(name: str, label: str, text: str, uid: str) -> dashboard.DatasourceVariable:
    """Return a variable for a data source; `text` and `uid` are those of the default one.

    Where no data source has that uid, Grafana takes the first of type Prometheus.
    """
    return (
        dashboard.DatasourceVariable(name)
        .label(label)
        .type("prometheus")
        .current(VariableOption(selected=True, text=text, value=uid))
    )


def recent() -> dashboard.DatasourceVariable:
    """Return the variable for the Prometheus that scrapes."""
    return datasource("datasource", "Data source", "Prometheus", "prometheus")


def long_term() -> dashboard.DatasourceVariable:
    """Return the variable for a long-term tier."""
    return datasource("long_term_datasource", "Long-term data source", "2 years, in steps of 1 hour", "victoria-1h")


def of_label(name: str, label: str, series: str, text: str) -> dashboard.QueryVariable:
    """Return a variable for values of a label of a series in the chosen clusters; `text` is its name for people."""
    return _of_label(name, label, in_cluster(series), text)


def cluster() -> dashboard.QueryVariable:
    """Return the variable for clusters; without the label there is nothing to choose, and all is shown."""
    return _of_label("cluster", "cluster", "up", "Cluster")


def _of_label(name: str, label: str, series: str, text: str) -> dashboard.QueryVariable:
    variable = dashboard.QueryVariable(name).label(text).datasource(source(RECENT))
    variable.query({"query": f"label_values({series}, {label})", "refId": "values", "qryType": 1})
    # all by default, which matches a missing label too, so that a panel is not empty because nothing has the label yet
    variable.multi(True).include_all(True).all_value(".*").refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    variable.sort(VariableSort.ALPHABETICAL_ASC)
    return variable.current(VariableOption(selected=True, text=["All"], value=["$__all"]))


def host() -> dashboard.QueryVariable:
    return of_label("host", "host", "telemetry:system_cpu_utilization:avg_5m", "Host")


def gpu_host() -> dashboard.QueryVariable:
    return of_label("host", "host", "gpu_up", "Host")


def instance() -> dashboard.QueryVariable:
    return of_label("instance", "instance", "odoo_workers_configured", "Odoo server")


def database() -> dashboard.QueryVariable:
    """Return the variable for databases; every server has the thresholds of each of its databases, used or not."""
    return of_label("database", "database", "odoo_telemetry_threshold", "Database")


def campaign() -> dashboard.QueryVariable:
    return of_label("campaign", "campaign_id", "influencegen:campaign_application_rate:rate_5m", "Campaign")


def workflow() -> dashboard.QueryVariable:
    return of_label("workflow", "workflow_name", "influencegen:n8n_workflow_execution_error_rate:rate_5m", "Workflow")


def db_instance() -> dashboard.QueryVariable:
    return of_label("db_instance", "db_instance", "pg_up", "PostgreSQL server")


def datname() -> dashboard.QueryVariable:
    return of_label("datname", "datname", 'pg_stat_database_numbackends{datname!~"template.*|"}', "Database")


def objective() -> dashboard.QueryVariable:
    return of_label("slo", "slo", "influencegen:slo_events:increase_5m", "Objective")
