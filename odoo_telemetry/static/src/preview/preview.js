/** The series that a custom metric would export now, in its form. */
import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { standardFieldProps } from "@web/views/fields/standard_field_props";
import { bars } from "../common/bars";
import { SmallChart } from "../common/chart";
import { format } from "../common/format";

export class Preview extends Component {
    static template = "odoo_telemetry.Preview";
    static components = { SmallChart };
    static props = { ...standardFieldProps };

    setup() {
        this.state = useState({ preview: false });
        useRecordObserver((record) => {
            this.state.preview = record.data[this.props.name];
        });
    }

    get chart() {
        const { series, unit } = this.state.preview;
        return bars(_t("Value"), unit, series.toSorted((one, other) => other[1] - one[1]));
    }

    number(value) {
        return format(value, this.state.preview.unit);
    }
}

registry.category("lazy_components").add("odoo_telemetry.series", Preview);
