"""A reader of profile.proto, by hand: the numbers of fields are the format's (github.com/google/pprof, proto/profile.proto)."""
import gzip

def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at

def fields(data):
    at, out = 0, []
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        else:
            assert tag & 7 == 2, tag
            n, at = varint(data, at)
            value, at = data[at:at + n], at + n
        out.append((tag >> 3, value))
    return out

def packed(data):
    at, out = 0, []
    while at < len(data):
        value, at = varint(data, at)
        out.append(value - (1 << 64) if value >> 63 else value)
    return out

class Profile:
    """samples: (ids of locations, values, labels); everything else under the format's names."""
    def __init__(self, zipped):
        f = fields(gzip.decompress(zipped))
        self.text = [v.decode() for n, v in f if n == 6]
        assert self.text[0] == ""
        kinds = [dict(fields(v)) for n, v in f if n == 1]
        self.types = [(self.text[k[1]], self.text[k[2]]) for k in kinds]
        period = dict(fields(next(v for n, v in f if n == 11)))
        self.period_type = (self.text[period[1]], self.text[period[2]])
        self.period = next((v for n, v in f if n == 12), 0)
        self.time = next((v for n, v in f if n == 9), 0)
        self.duration = next((v for n, v in f if n == 10), 0)
        self.default = self.text[next((v for n, v in f if n == 14), 0)]
        self.mappings = [dict(fields(v)) for n, v in f if n == 3]
        self.samples = []
        locations = self.locations = {dict(fields(v))[1]: dict(fields(v)) for n, v in f if n == 4}
        for n, v in f:
            if n != 2:
                continue
            s = fields(v)
            where = packed(next((x for k, x in s if k == 1), b""))
            assert all(w in locations for w in where)
            self.samples.append((where, packed(next(x for k, x in s if k == 2)), [dict(fields(x)) for k, x in s if k == 3]))
    def where(self, location):
        """The same in each run of a program: the file, and the address in it."""
        l = self.locations[location]
        m = next((m for m in self.mappings if m[1] == l.get(2)), None)
        return (self.text[m[5]], l[3] - m[2] + m[4]) if m else ("", l[3])
    def total(self, i):
        return sum(s[1][i] for s in self.samples)

def load(path):
    with open(path, "rb") as f:
        return Profile(f.read())
