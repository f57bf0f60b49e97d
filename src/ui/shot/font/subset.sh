#!/usr/bin/env bash
# Makes mono.ttf, see SOURCE.md: subset.sh PATH/TO/DejaVuSansMono.ttf
set -euo pipefail
cd "$(dirname "$0")"
echo "602ec86b8948cfcd956482fe64f94c36c867770149ef2f791d4613f443bcecb3  $1" | sha256sum --check --quiet
# Latin, marks, Greek, Cyrillic; punctuation, small digits, currencies; letterlike, arrows, maths, technical; boxes, shapes; signs.
# Blocks and braille are drawn without a font.
codes=U+20-7E,U+A0-17F,U+300-36F,U+370-3FF,U+400-45F
codes+=,U+2010-205E,U+2070-209F,U+20A0-20BF,U+2100-21FF,U+2200-22FF,U+2300-2335,U+2380-23FF
codes+=,U+2500-257F,U+25A0-25FF,U+2600-27BF
SOURCE_DATE_EPOCH=0 pyftsubset "$1" --unicodes="$codes" --output-file=mono.ttf --layout-features= --no-hinting --name-IDs=0,13,14 \
    --drop-tables+=FFTM,GDEF,GSUB,GPOS,kern,gasp,DSIG
