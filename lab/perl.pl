# Middlemen in Perl, each written as people write it: perl perl.pl NAME PORT TARGET.
use Mojolicious::Lite -signatures;
use HTTP::Tiny;
use LWP::UserAgent;

my ($name, $port, $target) = @ARGV;

# The form with its brackets nested, as a hand-written decoder does it.
sub nested ($form) {
    my %nested;
    for my $key (keys %$form) {
        my @levels = split /\[/, $key =~ s/\]//gr;
        my $last   = pop @levels;
        my $place  = \%nested;
        $place = $place->{$_} //= {} for @levels;
        $place->{$last} = $form->{$key};
    }
    return \%nested;
}

my %setups = (
    'mojolicious-form' => sub ($c) { $c->ua->post($target => form => $c->req->body_params->to_hash) },
    'mojolicious-json' => sub ($c) { $c->ua->post($target => json => $c->req->body_params->to_hash) },
    'mojolicious-lwp'  => sub ($c) { LWP::UserAgent->new->post($target, $c->req->body_params->to_hash) },
    'mojolicious-tiny' => sub ($c) { HTTP::Tiny->new->post_form($target, nested($c->req->body_params->to_hash)) },
);

post '/hook' => sub ($c) { $setups{$name}->($c); $c->render(text => 'ok') };
app->start('daemon', '-m', 'production', '-l', "http://127.0.0.1:$port");
