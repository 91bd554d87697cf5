-- One line for each sale.
select
    id as sale_id,
    shop_id,
    bread,
    pieces,
    {{ euros('cents') }} as euros,
    sold_at,
    strftime(sold_at, '%Y-%m') as month
from {{ ref('raw_sales') }}
