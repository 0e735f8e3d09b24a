"""Packaging. The base install needs numpy, scipy and scikit-learn only and changes nothing in a TFX environment."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = (HERE / 'privacy_component' / '_version.py').read_text().split('__version__ = ')[1].strip().strip("'")

REPORT = ['jinja2>=3.1', 'markupsafe>=2', 'matplotlib>=3.6', 'rich>=13']

setup(
    name='privacy-component',
    version=VERSION,
    description='A TFX component that blocks the deployment of models which leak their training data',
    long_description=(HERE / 'README.md').read_text() if (HERE / 'README.md').exists() else '',
    long_description_content_type='text/markdown',
    author='The privacy_component authors',
    license='Apache-2.0',
    license_files=['LICENSE'],
    keywords='membership inference, privacy, TFX, machine learning, differential privacy',
    classifiers=[
        'Development Status :: 4 - Beta',
        'Intended Audience :: Developers',
        'Intended Audience :: Science/Research',
        'Programming Language :: Python :: 3',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
        'Topic :: Security',
        'Typing :: Typed',
    ],
    packages=find_packages(include=['privacy_component', 'privacy_component.*']),
    package_data={'privacy_component': ['py.typed', 'report/templates/*']},
    entry_points={'console_scripts': ['privacy-component = privacy_component.cli:main']},
    python_requires='>=3.10',
    install_requires=['numpy>=1.24', 'scipy>=1.9', 'scikit-learn>=1.2', 'threadpoolctl>=3'],
    extras_require={
        'report': REPORT,
        'tfx': [
            'tfx>=1.16,<1.22',
            'tensorflow>=2.16',
            'tensorflow-model-analysis>=0.47',
            'apache-beam>=2.60',
            'ml-metadata>=1.16',
            'pandas>=1.5',
            *REPORT,
        ],
        'training': ['tensorflow>=2.15', 'matplotlib>=3.6', 'dp-accounting>=0.4'],
        'demo': ['tf-keras>=2.16', 'dp-accounting>=0.4', 'rich>=13'],
        'dev': ['pytest', 'hypothesis', 'mypy', 'ruff', 'import-linter', 'pre-commit', 'nbclient', 'nbformat'],
    },
)
