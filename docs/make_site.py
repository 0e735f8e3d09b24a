"""Builds the site: all Markdown pages and an API reference from docstrings. `make docs` runs it in build/docs-env.

Pages link to one another and to code as they do in the repository, so the site has the repository's layout: what is
linked to is copied beside the pages. The reference reads the source and imports nothing of it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILD = ROOT / 'build' / 'docs'

# A page of the reference: what it tells of, and names with the module that defines them.
REFERENCE = {
    'Evaluate': (
        'From arrays or a fitted model to a result, without TFX.',
        'evaluation.evaluate.evaluate_privacy',
        'evaluation.fitted.evaluate_model',
        'evaluation.attribute_inference.evaluate_attribute_inference',
        'evaluation.attribute_inference.AttributeInference',
        'metrics.canary_audit.audit_canaries',
        'metrics.repeated_audit.audit_runs',
        'evaluation.result.PrivacyResult',
        'errors.PrivacyInputError',
    ),
    'Component': (
        'What stands in a TFX pipeline.',
        'component.component.PrivacyEvaluator',
        'component.reference_models.component.ReferenceModels',
        'component.canaries.component.CanaryInjector',
        'component.resolver.PreviousEvaluationsStrategy',
        'beam.dataflow.dataflow_pipeline_args',
        'component.artifacts.PrivacyMetrics',
        'component.artifacts.ReferenceModelSet',
    ),
    'Configuration': (
        'Attacks, limits and settings; the tables are in docs/configuration.md.',
        'config.privacy_config.PrivacyConfig',
        'config.policies.policy',
        'config.thresholds.Threshold',
        'observations.slicing.SlicingSpec',
        'config.settings.SliceSettings',
        'config.settings.PeopleSettings',
        'config.settings.OutputSettings',
        'config.settings.MeasurementSettings',
        'config.settings.DecisionSettings',
        'config.refusal_override.RefusalOverride',
        'config.audits.OneRunAudit',
        'config.canary_config.CanaryConfig',
    ),
    'Results': (
        'What a result holds.',
        'metrics.slice_result.SliceResult',
        'metrics.registry.Estimate',
        'gate.verdict.Verdict',
        'gate.comparisons.Comparison',
        'checks.check.Check',
        'evaluation.record.Record',
    ),
    'Training': (
        'Privacy watched while a Keras model is trained, and defences.',
        'training.callback.PrivacyCallback',
        'training.callback.early_stopping_on_privacy',
        'training.loss_trace.LossTrace',
        'training.snapshots.SnapshotCallback',
        'training.adversarial.adversarial_regularization',
        'training.dp_training.dp_sgd',
        'training.dp_claim.DPClaim',
        'training.pate.pate_labels',
        'training.pate.PateLabels',
    ),
    'Inversion': (
        'What a model shows of a class; a diagnostic, not a gate.',
        'inversion.reconstruction.reconstruct',
        'inversion.reconstruction.Reconstruction',
        'inversion.generator.train_generator',
        'inversion.generator.Generator',
        'inversion.identify.identification',
        'inversion.identify.Identification',
        'inversion.identify.nearness',
        'inversion.identify.Nearness',
    ),
    'Past verdicts': (
        'What ML Metadata remembers.',
        'component.metadata_history.past_evaluations',
        'component.metadata_history.connection_to',
        'evaluation.past_evaluation.PastEvaluation',
        'evaluation.past_evaluation.side_by_side',
        'evaluation.past_evaluation.Pair',
    ),
    'Attacks of your own': (
        'What an attack is given and what it gives; see also CONTRIBUTING.md.',
        'attacks.attack.Attack',
        'attacks.attack.AttackInfo',
        'observations.observations.Observations',
    ),
}
LINK = re.compile(r'\]\((?!\w+:|#)([^)#\s]+)')


def pages() -> list[Path]:
    """The Markdown pages, relative to the root."""
    found = [*ROOT.glob('*.md'), *ROOT.glob('docs/**/*.md'), *ROOT.glob('[a-z]*/README.md')]
    return sorted(path.relative_to(ROOT) for path in found)


def gather(folder: Path) -> None:
    """Writes all that the site is made of into a folder."""
    for page in pages():
        text = (ROOT / page).read_text(encoding='utf-8')
        write(folder / page, text)
        for link in LINK.findall(text):
            linked = (ROOT / page).parent / link
            if linked.is_file():
                copy(linked, folder / linked.resolve().relative_to(ROOT))
    for title, (what, *names) in REFERENCE.items():
        write(folder / 'reference' / f'{slug(title)}.md', reference_page(title, what, names))


def write(path: Path, text: str) -> None:
    """Writes a file, and the folder it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding='utf-8')


def copy(source: Path, target: Path) -> None:
    """Copies a file, and makes the folder it goes into."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def slug(title: str) -> str:
    """The name of a page's file."""
    return title.lower().replace(' ', '_')


def reference_page(title: str, what: str, names: list[str]) -> str:
    """Markdown that mkdocstrings fills in."""
    return '\n'.join([f'# {title}', '', what, '', *(f'::: privacy_component.{name}\n' for name in names)])


def main() -> None:
    """Builds the site anew, and fails where a link leads nowhere."""
    shutil.rmtree(BUILD, ignore_errors=True)
    gather(BUILD / 'pages')
    # Not --quiet, which would silence the warnings that --strict fails for.
    command = [sys.executable, '-m', 'mkdocs', 'build', '--strict', '--config-file', ROOT / 'docs' / 'mkdocs.yml']
    # Material's notice of another project's plans is nothing that a reader of these pages can act on.
    environment = os.environ | {'NO_MKDOCS_2_WARNING': 'true'}
    built = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if built.returncode:
        sys.exit(built.stdout + built.stderr)
    print(f'Open {(BUILD / "site" / "index.html").relative_to(ROOT)}')


if __name__ == '__main__':
    main()
