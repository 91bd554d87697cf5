import kiosk.prices


def apply(rule, amount):
    return eval(rule, {"amount": amount})
