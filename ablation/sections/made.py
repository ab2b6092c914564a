"""How the study was made: commands, data, skeletons, software and its whole configuration."""

from typing import Any

import numpy as np

from ablation.sections.registry import MADE, SECTIONS, Section
from ablation.study.study import Study
from base.files import sha256
from data.ntu.prepare import summarise
from data.skeletons.store import ClipStore

LEAD = """
{% if study.about.command %}
<p>This command makes it again, in a folder of its own:</p>
<pre tabindex="0" aria-label="Command"><code>{{ study.about.command }}</code></pre>
{% endif %}
{% if study.about.training_command %}
<p>And this one a single recogniser, here the first; <code>cells.csv</code> beside this page names the folder of every other:</p>
<pre tabindex="0" aria-label="Command for one recogniser"><code>{{ study.about.training_command }}</code></pre>
{% endif %}
<h3>Data</h3>
<dl>
{% for key, value in found.items() if key != "skipped" %}
<dt>{{ key }}</dt><dd>{{ value }}</dd>
{% endfor %}
<dt>files left out</dt><dd>{{ found.get("skipped", []) | length }}{% if found.get("skipped") %}: {% for one in found.skipped[:5] %}{{ one.file }} ({{ one.reason }}){{ "; " if not loop.last }}{% endfor %}{% if found.skipped | length > 5 %} and more{% endif %}{% endif %}</dd>
</dl>
<h3>Skeletons</h3>
<dl>
{% for arm, how in study.made.how.items() %}
<dt>{{ study.label(arm) }}{% if study.label(arm) != arm %} (key <code>{{ arm }}</code>){% endif %}</dt><dd>{{ how }}</dd>
{% endfor %}
</dl>
<h3>Software</h3>
<dl>
{% for key, value in study.about.versions.items() %}
<dt>{{ key }}</dt><dd>{{ value }}</dd>
{% endfor %}
<dt>seeds</dt><dd>{{ study.seeds | join(", ") }}</dd>
{% if study.about.seconds %}
<dt>time for training and testing, all recognisers added</dt><dd>{{ study.about.seconds }}</dd>
{% endif %}
</dl>
<details>
<summary>The whole configuration</summary>
<pre tabindex="0" aria-label="Configuration"><code>{{ study.about.config }}</code></pre>
</details>
<p class="note">The figures (PNG, SVG) and tables (CSV, Markdown, LaTeX) lie beside this page in <code>figures/</code> and <code>tables/</code>.</p>
"""  # noqa: E501


def describe_clips(study: Study) -> dict[str, Any]:
    """Say what is known of the clips: counts, skipped files, shares of joints."""
    base: ClipStore = study.made.stores.get("raw", study.made.stores[study.against])
    summary, test = summarise(base), np.isin(base.clips.name, study.names)
    return {
        "clip store": summary["store"],
        "made from": base.info.source or "unknown",
        "clips": f"{summary['clips']:,}, of which {int(test.sum()):,} for testing",
        "frames": f"{summary['frames']:,} at {base.info.fps:g} a second",
        "people": summary["performers"],
        "actions": summary["actions"],
        "joints inferred": f"{summary['inferred share']:.1%} of those on record",
        "joints not seen": f"{summary['not seen share']:.1%}",
        "joints.npy": f"SHA-256 {sha256(base.folder / 'joints.npy')}",
        "skipped": summary["skipped"],
    }


def _notes(study: Study, found: dict[str, Any] | None) -> dict[str, Any]:
    return {"data": found}


SECTIONS.add("made", Section(MADE, 10, describe_clips, {"lead": LEAD}, notes=_notes))
