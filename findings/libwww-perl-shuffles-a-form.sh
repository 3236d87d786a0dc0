#!/usr/bin/env bash
# libwww-perl (HTTP::Message 6.44, Perl): a form given as a hash is sent in another order in each run, lists
# included.
#
# Expected: `POST $url, { "ROLE[0]" => 1, "ROLE[1]" => 5 }` sends the same form each time, sorted as HTTP::Tiny
# does, Perl's own client. The fields come out as Perl happens to walk the hash, and Perl draws that
# anew for each process, so `ROLE[1]` is sent before `ROLE[0]` in half of the runs. PHP keeps the order of
# arrival: the array has the keys 1 and 0, in this order, is no list, `foreach` starts with the second
# department, and in JSON it is an object. Readers that go by the index see nothing. A list of pairs,
# `[ "ROLE[0]" => 1, … ]`, is sent in its order.
#
# Why it matters here: `select[0]`, `order[…]` and the departments of a person are such lists, and a signature
# over the body cannot be made from the hash a second time. One run in two is right, in tests as well.
# What follows: give `POST` a reference to an array.
#
# Seen with Perl 5.36 of Debian 12, 2026-11-28. Needs perl and apt's sources of Debian 12.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get download -qq libhttp-message-perl=6.44-1 liburi-perl libclone-perl libhttp-date-perl \
  libtimedate-perl libencode-locale-perl libio-html-perl liblwp-mediatypes-perl 2>/dev/null &&
  for package in *.deb; do dpkg -x "$package" debian; done)

cd "$work"
PERL5LIB=$work/debian/usr/share/perl5:$(echo "$work"/debian/usr/lib/*/perl5/5.*)
export PERL5LIB
cat >send.pl <<'PL'
use strict;
use warnings;
use HTTP::Request::Common qw(POST);
use HTTP::Tiny;

my @fields = ("ROLE[0]" => 1, "ROLE[1]" => 5);
my $url = "http://127.0.0.1/";
my %form = (
    "libwww-perl, a hash" => POST($url, {@fields})->content,
    "libwww-perl, an array" => POST($url, [@fields])->content,
    "HTTP::Tiny, a hash" => HTTP::Tiny->new->www_form_urlencode({@fields}),
);
print map { "$_: $form{$_}\n" } sort keys %form;
PL
# Forty processes are as good as certain to show both orders.
seen=$(for _ in $(seq 40); do perl send.pl; done | sort -u | sed 's/%5B/[/g; s/%5D/]/g')
expected='HTTP::Tiny, a hash: ROLE[0]=1&ROLE[1]=5
libwww-perl, a hash: ROLE[0]=1&ROLE[1]=5
libwww-perl, a hash: ROLE[1]=5&ROLE[0]=1
libwww-perl, an array: ROLE[0]=1&ROLE[1]=5'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
