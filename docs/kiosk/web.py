from kiosk import prices


def order(request):
    return total(request["items"], request["rule"])


def total(items, rule):
    return prices.discounted(sum(map(prices.price, items)), rule)
