"""What will come in by the period's end, how did the pipeline move, and how good have such forecasts been?"""
