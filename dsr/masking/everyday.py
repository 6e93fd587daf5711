"""Names that are everyday words of Swedish or English, too, and what stands between the parts of names."""

from typing import Final

_EVERYDAY: Final = """
ake alen all alm alma and april art ask asp augusti ball bank bar bark barn bell berg best bill bin bjork bjorn blad
block blom blomma bock bonde bor borg bra bror brown bruk brun bush carter church cook dag dagg dahl dal das dawn day
della den der des det die dig din dos drop eld eng ett faith falk fall far fast fish fjord flod for fors fort frank
frid frisk fur gar gard glad glans god grace gran grant grav gray green grind gron gront grund gul hag hall ham hammar
han har hard has hav hed hej hell hill hjort hog hon hope hult hunter hur hus ibn jack jag jakt jarl jarn joy juli
june juni kalla kan kant kar karl key king klang klar klint knut kock kom kong kraft krans krok kul kung kvist lake
land lans las lass lat led lee lejon lilja lilla lind lion liv ljung lod long los lov love lund lur lust lycka mal
malm man mans mark marks mars mason may med mer mig miller min moon mor mot mvh nar natt nord norr north nya och ode
ord ost oster page palm par park penny per pil pilot point poll post power price pris rad rand rapp rask ray read rev
rice rich ring rob rod rolig ros rosa rose rot ryd salt sand sang sen silver sin sjo ska skog skold skott sky small
smed smith snow sol solid sommar son spang spets sta stal stam star stark sten stig stone storm strand strom stund
sund sven sving table tack tall tapper tegel terrier the till tom tor torn torp tran trast trygg tur ull ung uno vad
vag vall van vang var varg vass vast vid vide vik vild viola vis vit von way wells west white will win wise wood woods
wright young
"""
_PARTICLES: Final = """
af al at av bin da de del della den der di dos du el het ibn la las le los och of san st the und van vande von y zu
"""

COMMON: Final = frozenset(_EVERYDAY.split())
"""Everyday words that are names, without accents ("Pär" is written "par", a pair). Made by hand from the commonest
family and given names of Sweden and Britain: not whole, and meant to grow."""

PARTICLES: Final = frozenset(_PARTICLES.split())
"""Parts of names that are no name by themselves: "de la"."""
