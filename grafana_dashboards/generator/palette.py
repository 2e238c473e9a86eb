"""The colours of all dashboards: eight that colour-blind people can distinguish, and what some of them mean.

The palette is that of Masataka Okabe and Kei Ito, "Color Universal Design" (https://jfly.uni-koeln.de/color/), with
grey in place of black.
"""

BLUE = "#0072B2"
ORANGE = "#E69F00"
GREEN = "#009E73"
PURPLE = "#CC79A7"
SKY = "#56B4E9"
YELLOW = "#F0E442"
VERMILLION = "#D55E00"
GREY = "#999999"

SERIES = (BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW)
"""The colours of a panel's queries, in their order; vermillion is reserved for what is bad."""

GOOD, WARNING, CRITICAL, NEUTRAL = GREEN, ORANGE, VERMILLION, BLUE
