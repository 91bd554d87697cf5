from kiosk import rules


class Price:
    def of(self, item):
        return item.price


class Reduced(Price):
    def of(self, item):
        return item.price / 2


class Tagged(Price):
    pass


class Bargain(Reduced, Tagged):
    pass


def price(item):
    return Bargain().of(item)


def discounted(amount, rule):
    return rules.apply(rule, amount)


def halved(amount, reason):
    return amount / 2
