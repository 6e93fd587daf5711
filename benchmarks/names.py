"""Names as frequent as they are: what makes namesakes. Bearers in thousands, rounded.

Swedish: Statistics Sweden's name register (given names in use, family names). English: the Office for National
Statistics and the US Census. What lies behind the lists, half of the family names in use, is made of the two parts that
Swedish family names are made of.
"""

import random
from itertools import accumulate
from typing import Final


def _counted(text: str) -> tuple[list[str], list[int]]:
    pairs = [pair.split(":") for pair in text.split()]
    return [name for name, _ in pairs], list(accumulate(int(count) for _, count in pairs))


GIVEN: Final = _counted("""
Anna:106 Eva:82 Maria:76 Karin:65 Lars:90 Anders:88 Mikael:76 Johan:75 Per:66 Erik:65 Karl:60 Peter:68 Thomas:59
Jan:67 Daniel:60 Fredrik:56 Emma:56 Sara:58 Lena:52 Kerstin:51 Kristina:48 Marie:45 Ingrid:40 Elin:43 Johanna:40
Andreas:50 Hans:51 Stefan:48 Mats:44 Marcus:45 Jonas:41 Magnus:43 Mattias:41 Bengt:38 Bo:36 Oskar:35 Niklas:36
Alexander:45 Gustav:33 Emil:35 Viktor:34 Birgitta:38 Elisabeth:38 Malin:37 Jenny:35 Annika:34 Susanne:34 Linda:36
Amanda:24 Julia:33 Hanna:35 Ida:33 Sofia:35 Camilla:33 Monica:31 Helena:31 Ulla:29 Frida:26 Linnea:25 Elsa:21 Åsa:27
Ulrika:24 Erika:19 Erica:14 Carl:36 Filip:33 Simon:33 Anton:33 Robert:33 Henrik:39 Martin:45 David:45 Linus:31
William:33 Lucas:31 Elias:30 Sebastian:28 Tobias:28 Björn:32 Rolf:26 Göran:35 Ulf:34 Kjell:31 Leif:32 Sven:29 Mohamed:18
Ahmed:11 Ali:12 Fatima:8 Zahra:5 Katarina:27 Kajsa:10 Åse:2 Marta:6 Märta:7 Ebba:17 Maja:20 Agnes:17 Alva:14 Wilma:17
James:9 Oliver:19 John:27 Michael:14 Sarah:12 Emily:5 Jessica:14 Mary:3 Elizabeth:4 Charlotte:18 Hannah:6 Jane:3
""")

FAMILY: Final = _counted("""
Andersson:216 Johansson:216 Karlsson:191 Nilsson:148 Eriksson:131 Larsson:110 Olsson:98 Persson:94 Svensson:88
Gustafsson:86 Pettersson:84 Jonsson:66 Jansson:44 Hansson:40 Bengtsson:31 Jönsson:28 Lindberg:28 Jakobsson:25
Magnusson:25 Lindström:24 Olofsson:23 Lindqvist:22 Lindgren:22 Axelsson:21 Berg:21 Bergström:20 Lundberg:20 Lind:20
Lundgren:19 Lundqvist:19 Mattsson:18 Berglund:18 Fredriksson:17 Sandberg:16 Henriksson:15 Forsberg:15 Ali:15 Mohamed:14
Sjöberg:14 Wallin:14 Engström:13 Eklund:13 Danielsson:13 Lundin:13 Håkansson:13 Björk:12 Bergman:12 Gunnarsson:12
Holm:12 Wikström:12 Samuelsson:12 Isaksson:11 Fransson:11 Bergqvist:11 Nyström:11 Holmberg:11 Arvidsson:11 Löfgren:11
Söderberg:10 Nyberg:10 Blomqvist:10 Claesson:10 Nordström:10 Hassan:9 Mårtensson:9 Lundström:9 Viklund:8 Eliasson:8
Pålsson:8 Björklund:8 Berggren:8 Sandström:8 Nordin:8 Lund:8 Hermansson:8 Falk:7 Åberg:7 Ström:7 Ekström:7 Hedlund:7
Hellström:7 Dahlberg:7 Carlsson:23 Karlson:2 Carlson:2 Petersson:13 Gustavsson:17 Johanson:1 Ericsson:5 Smith:6 Jones:4
Taylor:3 Brown:4 Williams:4 Wilson:3 Johnson:4 Davies:2 Evans:2 Thomas:3 Roberts:2 Walker:2 Wright:1 O'Brien:1
""")

_FIRST: Final = """
Al Alm Asp Berg Björk Blom Bäck Dahl Ed Ek Eng Fors Gran Grön Hag Hall Hede Hell Holm Hög Järn Kling Lager Lilje Lind
Ljung Lund Löf Malm Nord Ny Palm Ros Sand Sjö Skog Stål Sund Söder Tall Vall Vik Väst Åker Ång Ö Öst
"""
_SECOND: Final = """
berg blad blom borg dahl fält gren grund hed hult kvist lund löv man mark ner qvist rot stam sten stedt ström torp vall
vik
"""
_LISTED: Final = 0.55
"""Share of people whose family name is on the list."""


def given_name(rng: random.Random) -> str:
    """A given name, as often as it is given; one in twenty is double."""
    name = rng.choices(GIVEN[0], cum_weights=GIVEN[1])[0]
    return f"{name}-{rng.choices(GIVEN[0], cum_weights=GIVEN[1])[0]}" if rng.random() < 0.05 else name


def family_name(rng: random.Random) -> str:
    """A family name, as often as it is borne; one in thirty is double."""
    name = _single(rng)
    return f"{name} {_single(rng)}" if rng.random() < 0.03 else name


def _single(rng: random.Random) -> str:
    if rng.random() < _LISTED:
        return rng.choices(FAMILY[0], cum_weights=FAMILY[1])[0]
    return rng.choice(_FIRST.split()) + rng.choice(_SECOND.split())


def mistyped(rng: random.Random, text: str) -> str:
    """One slip of the fingers behind the first letter: a letter left out, doubled, exchanged with the next, another."""
    place = rng.randrange(1, len(text) - 1)
    slip = rng.randrange(4)
    if slip == 0:
        return text[:place] + text[place + 1 :]
    if slip == 1:
        return text[:place] + text[place] + text[place:]
    if slip == 2 and text[place] != text[place + 1]:
        return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    return text[:place] + rng.choice("abdegiklmnorst".replace(text[place].lower(), "")) + text[place + 1 :]
