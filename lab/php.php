<?php
// Middlemen in PHP, each written as people write it; LAB_NAME and LAB_TARGET say which and where to.
// php -S 127.0.0.1:PORT php.php
$target = getenv('LAB_TARGET');

function curl_post(string $target, mixed $fields, array $headers = []): void {
    $curl = curl_init($target);
    curl_setopt_array($curl, [CURLOPT_POST => true, CURLOPT_POSTFIELDS => $fields,
        CURLOPT_HTTPHEADER => $headers, CURLOPT_RETURNTRANSFER => true]);
    curl_exec($curl);
}

function stream_post(string $target, array $options): void {
    file_get_contents($target, false, stream_context_create(['http' => $options + ['ignore_errors' => true]]));
}

$form = 'Content-Type: application/x-www-form-urlencoded';
match (getenv('LAB_NAME')) {
    'php-curl-build-query' => curl_post($target, http_build_query($_POST)),
    'php-curl-json' => curl_post($target, json_encode($_POST), ['Content-Type: application/json']),
    'php-curl-json-undeclared' => curl_post($target, json_encode($_POST)),
    'php-curl-json-field' => curl_post($target, array_map(fn ($v) => is_array($v) ? json_encode($v) : $v, $_POST)),
    'php-curl-array' => curl_post($target, array_map(fn ($v) => is_array($v) ? 'Array' : $v, $_POST)),
    'php-input' => curl_post($target, file_get_contents('php://input')),
    'php-stream-post' => stream_post($target, ['method' => 'POST', 'header' => $form, 'content' => http_build_query($_POST)]),
    'php-stream-get' => stream_post($target . '?' . http_build_query($_POST), []),
    'php-print-r' => curl_post($target, print_r($_POST, true)),
    'php-var-export' => curl_post($target, var_export($_POST, true)),
    'php-null-strings' => curl_post($target, json_encode(array_map(fn ($v) => $v === '' ? null : $v, $_POST))),
};
echo 'ok';
