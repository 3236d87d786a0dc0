<?php
// A bot's handler in PHP, as Bitrix24's own documentation writes it: BOT_TOKEN=… BOT_FILE=… php -S … handler.php.
if (($_SERVER['HTTP_X_BITRIX_TOKEN'] ?? '') !== getenv('BOT_TOKEN')
    || ($_REQUEST['auth']['application_token'] ?? '') !== getenv('BOT_TOKEN')) {
    http_response_code(401);
    exit;
}
$fields = $_REQUEST['data']['FIELDS_AFTER'] ?? $_REQUEST['data'];
$line = ['event' => $_REQUEST['event'], 'id' => $fields['ID'], 'data' => $_REQUEST['data']];
file_put_contents(getenv('BOT_FILE'), json_encode($line) . "\n", FILE_APPEND);
