"""Pictures of multipliers and of the hardware, made from the designs themselves, as SVG."""
