# Middlemen in Ruby, each written as people write it: ruby ruby.rb NAME PORT TARGET.
require "httparty"
require "json"
require "net/http"
require "rack/handler/webrick"
require "sinatra/base"

NAME, PORT, TARGET = ARGV[0], ARGV[1].to_i, ARGV[2]

SETUPS = {
  "sinatra-httparty" => ->(params) { HTTParty.post(TARGET, body: params) },
  "sinatra-httparty-json" => ->(params) { HTTParty.post(TARGET, body: params.to_json, headers: { "Content-Type" => "application/json" }) },
  "sinatra-post-form" => ->(params) { Net::HTTP.post_form(URI(TARGET), params) },
  "sinatra-inspect" => ->(params) { Net::HTTP.post(URI(TARGET), params.inspect) }
}.freeze

class Hook < Sinatra::Base
  disable :protection
  post("/hook") { SETUPS.fetch(NAME).call(params.to_h) && "ok" }
end

Rack::Handler::WEBrick.run(Hook, Host: "127.0.0.1", Port: PORT)
