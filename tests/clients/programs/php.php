<?php
// Pays with openapi-generator's PHP client and Debian's Guzzle: `php pay.php URL KEY` prints the session's id.

require 'GuzzleHttp/autoload.php';
spl_autoload_register(function (string $class): void {
    $file = __DIR__ . '/client/lib/' . strtr(substr($class, strlen('OpenAPI\Client\\')), '\\', '/') . '.php';
    if (str_starts_with($class, 'OpenAPI\Client\\') && is_file($file)) {
        require $file;
    }
});

use OpenAPI\Client\Api;
use OpenAPI\Client\Model;

[, $url, $key] = $argv;
$settings = (new OpenAPI\Client\Configuration())->setHost($url)->setAccessToken($key);
$http = new GuzzleHttp\Client();
$sessions = new Api\CheckoutSessionsApi($http, $settings);
$events = new Api\EventsApi($http, $settings);

$body = new Model\CheckoutSessionInput(['amount' => 5000, 'currency' => 'XOF', 'metadata' => ['order' => 1042]]);
$id = $sessions->createCheckoutSession('order-1042', $body)->getId();
$wallet = new Model\MobileMoneyInput(['operator' => 'orange_sn', 'phone_number' => '+221771234500']);
$method = new Model\PaymentMethodInput(['type' => 'mobile_money', 'mobile_money' => $wallet]);
(new Api\PublicCheckoutApi($http, $settings))->payCheckout($id, new Model\PaymentInput(['payment_method' => $method]));
while ($sessions->retrieveCheckoutSession($id)->getPaymentStatus() !== 'paid') {
    usleep(100000);
}
$event = $events->retrieveEvent($events->listEvents(type: 'checkout.session.completed')->getData()[0]->getId());
$events->redeliverEvent($event->getId());
$range = ['created_gte' => $event->getCreated(), 'created_lte' => $event->getCreated()];
$events->redeliverEvents(new Model\RangeInput($range));
echo $id, "\n";
