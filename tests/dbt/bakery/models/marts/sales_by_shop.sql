{{ config(post_hook="comment on table {{ this }} is 'by shop'", alias='shop_sales') }}
with shops as (
    select * from {{ ref('stg_shops') }}
),
sales as (
    select * from {{ ref('int_known') }}
)
select
    shops.shop_id,
    shops.name,
    count(sales.sale_id) as sales,
    sum(sales.euros) as euros,
    max(sales.sold_at) as last_sold_at,
    date_diff('month', min(sales.sold_at), max(sales.sold_at)) as months
from shops
left join sales on sales.shop_id = shops.shop_id
group by 1, 2
